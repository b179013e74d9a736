"""What a program with the Python client does; prints `ok NAME` for each part."""
import socket
import time
import urllib.request

from kubernetes import client, config, dynamic, watch
from kubernetes.client.exceptions import ApiException
from kubernetes.stream import portforward, stream

config.load_kube_config()
core = client.CoreV1Api()
NS = "python"


def done(name):
    print("ok " + name, flush=True)


core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NS)))
for _ in range(100):
    if core.list_namespaced_service_account(NS).items:
        break
    time.sleep(0.1)
pod = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}},
    "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [
            {
                "name": "web",
                "image": "localhost/host",
                "command": ["sh", "-c", "echo started; exec kagent sample web --port 8080"],
                "env": [
                    {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                    {"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                ],
            }
        ],
    },
}
core.create_namespaced_pod(NS, pod)
core.create_namespaced_config_map(NS, client.V1ConfigMap(metadata=client.V1ObjectMeta(name="m"), data={"a": "b"}))
done("create")

assert core.read_namespaced_config_map("m", NS).data == {"a": "b"}
try:
    core.read_namespaced_config_map("none", NS)
    raise AssertionError("a missing object was found")
except ApiException as error:
    assert error.status == 404
done("read")

assert [item.metadata.name for item in core.list_namespaced_pod(NS, label_selector="app=web").items] == ["web"]
done("list")

core.patch_namespaced_config_map("m", NS, {"data": {"c": "d"}})
assert core.read_namespaced_config_map("m", NS).data == {"a": "b", "c": "d"}
done("patch")

found = core.read_namespaced_config_map("m", NS)
found.data = {"e": "f"}
core.replace_namespaced_config_map("m", NS, found)
try:
    core.replace_namespaced_config_map("m", NS, found)
    raise AssertionError("a stale object was taken")
except ApiException as error:
    assert error.status == 409, error
done("replace")

phases = []
watcher = watch.Watch()
for event in watcher.stream(core.list_namespaced_pod, NS, timeout_seconds=60):
    phases.append(event["object"].status.phase)
    statuses = event["object"].status.container_statuses or []
    if phases[-1] == "Running" and all(status.ready for status in statuses):
        watcher.stop()
assert phases[-1] == "Running"
done("watch")

for _ in range(50):
    if "started" in core.read_namespaced_pod_log("web", NS):
        break
    time.sleep(0.1)
assert core.read_namespaced_pod_log("web", NS, tail_lines=100).startswith("started")
done("logs")

run = core.connect_get_namespaced_pod_exec
answer = stream(run, "web", NS, command=["echo", "hi"], stdout=True, stderr=True, stdin=False, tty=False)
assert answer == "hi\n", repr(answer)
done("exec")

session = stream(
    run, "web", NS, command=["sh", "-c", "exit 7"], stdout=True, stderr=True, stdin=False, tty=False,
    _preload_content=False)
session.run_forever(timeout=20)
assert session.returncode == 7, session.returncode
done("exec-code")

session = stream(
    run, "web", NS, command=["sh"], stdout=True, stderr=True, stdin=True, tty=False, _preload_content=False)
session.write_stdin("echo one\n")
assert session.readline_stdout(timeout=10) == "one"
session.write_stdin("exit\n")
session.run_forever(timeout=20)
session.close()
done("stdin")

forward = portforward(core.connect_get_namespaced_pod_portforward, "web", NS, ports="8080")
line = forward.socket(8080)
line.settimeout(10)
line.sendall(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")
page = b""
while True:
    try:
        piece = line.recv(4096)
    except socket.timeout:
        break
    if not piece:
        break
    page += piece
assert page.startswith(b"HTTP/1.1 200"), page
assert forward.error(8080) is None
done("port-forward")

objects = dynamic.DynamicClient(client.ApiClient())
maps = objects.resources.get(api_version="v1", kind="ConfigMap")
body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s", "namespace": NS}, "data": {"a": "1"}}
applied = maps.server_side_apply(body=body, namespace=NS, field_manager="first")
assert [entry.manager for entry in applied.metadata.managedFields] == ["first"]
done("apply")

body["data"]["a"] = "2"
try:
    maps.server_side_apply(body=body, namespace=NS, field_manager="second")
    raise AssertionError("a conflict was not seen")
except ApiException as error:
    assert error.status == 409, error
maps.server_side_apply(body=body, namespace=NS, field_manager="second", force_conflicts=True)
assert core.read_namespaced_config_map("s", NS).data == {"a": "2"}
done("conflict")

core.delete_namespaced_pod("web", NS)
core.delete_namespace(NS)
for _ in range(600):
    try:
        core.read_namespace(NS)
    except ApiException as error:
        assert error.status == 404
        break
    time.sleep(0.1)
else:
    raise AssertionError("the namespace stays")
done("delete")
