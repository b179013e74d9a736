import Shared

extension BootstrapObjects {
    /// How volumes are made and who serves ingresses when nobody says otherwise.
    static let classes: [JSON] =
        edgeRights + [
            [
                "apiVersion": .string(StorageClass.type.apiVersion), "kind": .string(StorageClass.type.kind),
                "metadata": [
                    "name": "directory", "annotations": JSON([StorageClass.defaultAnnotation: "true"]),
                ],
                "provisioner": .string(VolumeProvisioner.name), "reclaimPolicy": "Delete",
                "volumeBindingMode": "WaitForFirstConsumer", "allowVolumeExpansion": true,
            ],
            [
                "apiVersion": .string(IngressClass.type.apiVersion), "kind": .string(IngressClass.type.kind),
                "metadata": [
                    "name": "kotohajime",
                    "annotations": JSON(["ingressclass.kubernetes.io/is-default-class": "true"]),
                ],
                "spec": ["controller": .string(IngressClass.controller)],
            ],
        ]

    /// What agents do beyond a kubelet: they serve ingresses, and remove the folders of volumes that are given up.
    /// Which volumes are theirs `AdmissionPlugin.directoryVolumes` decides.
    static let edgeRights: [JSON] = [
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
            "metadata": ["name": "system:node-edge", "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]],
            "rules": [
                [
                    "apiGroups": ["networking.k8s.io"], "resources": ["ingresses", "ingressclasses"],
                    "verbs": ["get", "list", "watch"],
                ],
                [
                    "apiGroups": [""], "resources": ["persistentvolumes"],
                    "verbs": ["get", "list", "watch", "update", "delete"],
                ],
            ],
        ],
        [
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
            "metadata": ["name": "system:node-edge", "labels": ["kubernetes.io/bootstrapping": "rbac-defaults"]],
            "roleRef": ["apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-edge"],
            "subjects": [["apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"]],
        ],
    ]
}
