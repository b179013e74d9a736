import Shared

extension BootstrapObjects {
    /// How volumes are made and who serves ingresses when nobody says otherwise.
    static let classes: [JSON] =
        [
            [
                "apiVersion": .string(StorageClass.type.apiVersion), "kind": .string(StorageClass.type.kind),
                "metadata": [
                    "name": "directory", "annotations": JSON([StorageClass.defaultAnnotation: "true"]),
                ],
                "provisioner": .string(StorageClass.directories), "reclaimPolicy": "Delete",
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
}
