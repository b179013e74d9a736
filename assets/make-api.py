#!/usr/bin/env python3
"""Writes assets/api/*.txt, the compact tables that kmaster embeds, from a folder of fact tables.

Usage: assets/make-api.py FACTS [OUT]. The output depends on the input only: same facts, same bytes.
  schema.txt     type TAB group/version/kind or - TAB atomic or - { TAB field SPACE spec }
  resources.txt  one resource a line, see resource_line
  columns.txt    group TAB kind TAB name:type:format:priority|…
  enums.txt      name TAB mark TAB value { TAB value }
"""
import json
import re
import sys

FACTS = sys.argv[1]
OUT = sys.argv[2] if len(sys.argv) > 2 else "assets/api"

# Go fields that are no pointers, so that their zero value is not written. Everything else of these types is a pointer.
PLAIN = set("""
hostNetwork hostPID hostIPC stdin stdinOnce tty publishNotReadyAddresses paused unschedulable readOnly
authenticated denied globalDefault uniqueItems exclusiveMaximum exclusiveMinimum nullable deprecated
preserveUnknownFields x-kubernetes-embedded-resource x-kubernetes-int-or-string insecureSkipTLSVerify sslEnabled
chapAuthDiscovery chapAuthSession stdout stderr follow previous timestamps insecureSkipTLSVerifyBackend watch
allowWatchBookmarks minReadySeconds updatedNumberScheduled numberAvailable numberUnavailable updatedReplicas
readyReplicas availableReplicas unavailableReplicas fullyLabeledReplicas currentReplicas active succeeded failed
partition hostPort signal count initialDelaySeconds timeoutSeconds periodSeconds successThreshold failureThreshold
nodePort healthCheckNodePort number code retryAfterSeconds observedGeneration sizeBytes generation limit
deprecatedCount
""".split())
POINTERS = {
    "apps.v1.RollingUpdateStatefulSetStrategy.partition", "core.v1.AzureDiskVolumeSource.readOnly",
    "core.v1.CSIVolumeSource.readOnly", "core.v1.ClientIPConfig.timeoutSeconds",
    "admissionregistration.v1.MutatingWebhook.timeoutSeconds", "admissionregistration.v1.ValidatingWebhook.timeoutSeconds",
    "meta.v1.ListOptions.timeoutSeconds",
}
PLAIN_TYPES = {"replicas": {"DeploymentStatus", "ScaleSpec"}}
TEXT_POINTERS = set("""
PersistentVolumeClaimSpec.storageClassName PersistentVolumeClaimSpec.volumeAttributesClassName
PersistentVolumeSpec.volumeAttributesClassName EndpointPort.name EndpointPort.appProtocol EndpointPort.protocol
HostPathVolumeSource.type CSIVolumeSource.fsType GRPCAction.service LeaseSpec.holderIdentity
AzureDiskVolumeSource.fsType IngressSpec.ingressClassName PodSpec.runtimeClassName ServiceSpec.loadBalancerClass
ServicePort.appProtocol TypedLocalObjectReference.apiGroup TypedObjectReference.apiGroup ContainerStatus.started
ParamRef.namespace IngressClassParametersReference.apiGroup
""".split())
# Pointers to structs that Go always writes; an absent one must stay absent, so that validation can ask for it.
NIL_STRUCTS = {f"{kind}Spec.selector" for kind in ("Deployment", "ReplicaSet", "StatefulSet", "DaemonSet")}


def keeps_zero(type_name, field, base, flags):
    """Whether the Go field is a pointer: an explicit false, 0 or "" then stays."""
    if "a" in flags:
        return False
    short = type_name.split(".")[-1]
    if base in ("bool", "int32", "int64", "number"):
        if f"{type_name}.{field}" in POINTERS:
            return True
        if short in PLAIN_TYPES.get(field, ()):
            return False
        return field not in PLAIN
    return base == "string" and f"{short}.{field}" in TEXT_POINTERS


def schema(facts):
    lines = []
    for name, spec in facts["types"].items():
        gvk = "/".join(spec["gvk"]) if "gvk" in spec else "-"
        cells = [name, gvk, spec.get("mt", "-")]
        for field, text in spec["f"].items():
            parts = text.split(";")
            if keeps_zero(name, field, parts[0].rstrip("!"), parts[1:]):
                text += ";k"
            if f"{name.split('.')[-1]}.{field}" in NIL_STRUCTS:
                text = text.replace(";a;", ";")
            if (name, field) == ("meta.v1.ObjectMeta", "creationTimestamp"):
                # Servers before 1.34 write null where an object inside another has none.
                text = text.replace(";", ";a;", 1)
            assert "\t" not in text and "\n" not in text
            cells.append(f"{field} {text}")
        lines.append("\t".join(cells))
    return lines


def enums(facts):
    return ["\t".join([name] + values) for name, values in facts["enums"].items()]


PATHS = {"source": "source.component", "status.successful": "status.succeeded"}


def selector(text):
    """`label=path`; notes in parentheses are about versions."""
    text = re.sub(r"\(.*?\)", "", text)
    label, _, target = text.partition("->")
    return f"{label}={target or PATHS.get(label, label)}"


def resource_line(resource, type_name):
    """group version plural singular kind listKind shortNames categories scope verbs selectors subresources type"""
    subresources = []
    for name, sub in resource.get("subresources", {}).items():
        gvk = "/".join([sub.get("group", resource["group"]), sub.get("version", resource["version"]), sub["kind"]])
        explicit = "+" if "group" in sub else ""
        subresources.append(f"{name}:{explicit}{gvk}:{','.join(sub['verbs'])}{':/' if sub.get('pathSuffix') else ''}")
    selectors = resource.get("fieldSelectors", ["metadata.name", "metadata.namespace"])
    scope = "Namespaced" if resource["namespaced"] else "Cluster"
    if not resource["namespaced"]:
        selectors = [s for s in selectors if s != "metadata.namespace"]
    if resource["plural"] == "events" and resource["group"] == "":
        resource["categories"] = []
    return "\t".join([
        resource["group"], resource["version"], resource["plural"],
        resource["singular"], resource["kind"], resource.get("listKind", resource["kind"] + "List"),
        ",".join(resource["shortNames"]), ",".join(resource["categories"]), scope, ",".join(resource["verbs"]),
        ",".join(selector(s) for s in selectors), ";".join(subresources), type_name,
    ])


def resources(facts, types):
    names = {tuple(spec["gvk"]): name for name, spec in types.items() if "gvk" in spec}
    lines = []
    for resource in facts["resources"]:
        gvk = (resource["group"], resource["version"], resource["kind"])
        if gvk in names:  # A resource without a known type cannot be validated, so it is not served.
            lines.append(resource_line(resource, names[gvk]))
    return lines


def columns(facts):
    lines = []
    for kind in facts["kinds"]:
        if "<" not in kind["kind"]:
            cells = "|".join(":".join(str(cell) for cell in column) for column in kind["cols"])
            lines.append("\t".join([kind["group"], kind["kind"], cells]))
    return lines


def load(name):
    with open(f"{FACTS}/{name}", encoding="utf-8") as file:
        return json.load(file)


def write(name, lines):
    with open(f"{OUT}/{name}", "w", encoding="utf-8", newline="\n") as file:
        file.write("\n".join(lines) + "\n")


types = load("schema.json")
write("schema.txt", schema(types))
write("enums.txt", enums(types))
write("resources.txt", resources(load("resources.json"), types["types"]))
write("columns.txt", columns(load("columns.json")))
