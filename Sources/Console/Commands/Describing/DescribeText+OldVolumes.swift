import Shared

/// Volumes of makers and of old protocols: lines of the same kind, so a table says which. Source: kubectl's describe.
extension DescribeText {
    /// How the value of a line is written.
    private enum Form {
        case text, flag, number, list, commas, secret, map
        /// A text that is told to be missing.
        case optional
    }
    private struct Volume {
        let type: String
        let lines: [(title: String, key: String, form: Form)]
    }

    /// - Returns: whether the kind is one of the table.
    mutating func oldSource(_ kind: String, _ source: JSON, isCluster: Bool) -> Bool {
        guard let volume = DescribeText.volumes[kind] else { return false }
        line(2, "Type:\t\(volume.type)")
        for row in volume.lines {
            line(2, "\(row.title)\t\(DescribeText.form(source[row.key], row.form, isCluster: isCluster))")
            guard isCluster else { continue }
            switch (kind, row.key) {
            case ("glusterfs", "endpoints"):
                line(2, "EndpointsNamespace:\t\(DescribeText.form(source["endpointsNamespace"], .optional))")
            case ("azureFile", "secretName"):
                line(2, "SecretNamespace:\t\(DescribeText.form(source["secretNamespace"], .optional))")
            case ("scaleIO", "volumeName"):
                let secret = source["secretRef"]
                line(2, "SecretName:\t\(DescribeText.form(secret["name"], .text))")
                line(2, "SecretNamespace:\t\(DescribeText.form(secret["namespace"], .text))")
            default: break
            }
        }
        return true
    }

    private static func form(_ value: JSON, _ form: Form, isCluster: Bool = false) -> String {
        let items = value.items.compactMap(\.string)
        switch form {
        case .text: return value.isNull ? "" : ServerTable.text(value)
        case .flag: return value.bool == true ? "true" : "false"
        case .number: return String(value.int ?? 0)
        case .optional: return value.isNull ? "<none>" : ServerTable.text(value)
        case .list: return "[\(items.joined(separator: " "))]"
        case .commas: return items.joined(separator: ", ")
        case .map:
            let pairs = value.strings.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value)" }
            return "map[\(pairs.joined(separator: " "))]"
        case .secret:
            guard !value.isNull else { return "nil" }
            let name = value["name"].string ?? ""
            return isCluster
                ? "&SecretReference{Name:\(name),Namespace:\(value["namespace"].string ?? ""),}"
                : "&LocalObjectReference{Name:\(name),}"
        }
    }

    private static let readOnly = (title: "ReadOnly:", key: "readOnly", form: Form.flag)
    private static let fileSystem = (title: "FSType:", key: "fsType", form: Form.text)
    private static let secret = (title: "SecretRef:", key: "secretRef", form: Form.secret)

    private static let volumes: [String: Volume] = [
        "iscsi": Volume(
            type:
                "ISCSI (an ISCSI Disk resource that is attached to a kubelet's host machine and then exposed to the pod)",
            lines: [
                ("TargetPortal:", "targetPortal", .text), ("IQN:", "iqn", .text), ("Lun:", "lun", .number),
                ("ISCSIInterface", "iscsiInterface", .text), fileSystem, readOnly, ("Portals:", "portals", .list),
                ("DiscoveryCHAPAuth:", "chapAuthDiscovery", .flag), ("SessionCHAPAuth:", "chapAuthSession", .flag),
                secret, ("InitiatorName:", "initiatorName", .optional),
            ]),
        "fc": Volume(
            type: "FC (a Fibre Channel disk)",
            lines: [("TargetWWNs:", "targetWWNs", .commas), ("LUN:", "lun", .optional), fileSystem, readOnly]),
        "cephfs": Volume(
            type: "CephFS (a CephFS mount on the host that shares a pod's lifetime)",
            lines: [
                ("Monitors:", "monitors", .list), ("Path:", "path", .text), ("User:", "user", .text),
                ("SecretFile:", "secretFile", .text), secret, readOnly,
            ]),
        "rbd": Volume(
            type: "RBD (a Rados Block Device mount on the host that shares a pod's lifetime)",
            lines: [
                ("CephMonitors:", "monitors", .list), ("RBDImage:", "image", .text), fileSystem,
                ("RBDPool:", "pool", .text), ("RadosUser:", "user", .text), ("Keyring:", "keyring", .text), secret,
                readOnly,
            ]),
        "glusterfs": Volume(
            type: "Glusterfs (a Glusterfs mount on the host that shares a pod's lifetime)",
            lines: [("EndpointsName:", "endpoints", .text), ("Path:", "path", .text), readOnly]),
        "flexVolume": Volume(
            type: "FlexVolume (a generic volume resource that is provisioned/attached using an exec based plugin)",
            lines: [("Driver:", "driver", .text), fileSystem, secret, readOnly, ("Options:", "options", .map)]),
        "azureDisk": Volume(
            type: "AzureDisk (an Azure Data Disk mount on the host and bind mount to the pod)",
            lines: [
                ("DiskName:", "diskName", .text), ("DiskURI:", "diskURI", .text), ("Kind:", "kind", .text), fileSystem,
                ("CachingMode:", "cachingMode", .text), readOnly,
            ]),
        "azureFile": Volume(
            type: "AzureFile (an Azure File Service mount on the host and bind mount to the pod)",
            lines: [("SecretName:", "secretName", .text), ("ShareName:", "shareName", .text), readOnly]),
        "gcePersistentDisk": Volume(
            type: "GCEPersistentDisk (a Persistent Disk resource in Google Compute Engine)",
            lines: [("PDName:", "pdName", .text), fileSystem, ("Partition:", "partition", .number), readOnly]),
        "awsElasticBlockStore": Volume(
            type: "AWSElasticBlockStore (a Persistent Disk resource in AWS)",
            lines: [("VolumeID:", "volumeID", .text), fileSystem, ("Partition:", "partition", .number), readOnly]),
        "gitRepo": Volume(
            type: "GitRepo (a volume that is pulled from git when the pod is created)",
            lines: [("Repository:", "repository", .text), ("Revision:", "revision", .text)]),
        "vsphereVolume": Volume(
            type: "vSphereVolume (a Persistent Disk resource in vSphere)",
            lines: [
                ("VolumePath:", "volumePath", .text), fileSystem, ("StoragePolicyName:", "storagePolicyName", .text),
            ]),
        "cinder": Volume(
            type: "Cinder (a Persistent Disk resource in OpenStack)",
            lines: [("VolumeID:", "volumeID", .text), fileSystem, readOnly, secret]),
        "quobyte": Volume(
            type: "Quobyte (a Quobyte mount on the host that shares a pod's lifetime)",
            lines: [("Registry:", "registry", .text), ("Volume:", "volume", .text), readOnly]),
        "scaleIO": Volume(
            type: "ScaleIO (a persistent volume backed by a block device in ScaleIO)",
            lines: [
                ("Gateway:", "gateway", .text), ("System:", "system", .text),
                ("Protection Domain:", "protectionDomain", .text), ("Storage Pool:", "storagePool", .text),
                ("Storage Mode:", "storageMode", .text), ("VolumeName:", "volumeName", .text), fileSystem, readOnly,
            ]),
        "storageos": Volume(
            type: "StorageOS (a StorageOS Persistent Disk resource)",
            lines: [
                ("VolumeName:", "volumeName", .text), ("VolumeNamespace:", "volumeNamespace", .text), fileSystem,
                readOnly,
            ]),
        "portworxVolume": Volume(
            type: "PortworxVolume (a Portworx Volume resource)", lines: [("VolumeID:", "volumeID", .text)]),
        "photonPersistentDisk": Volume(
            type: "PhotonPersistentDisk (a Persistent Disk resource in photon platform)",
            lines: [("PdID:", "pdID", .text), fileSystem]),
        "flocker": Volume(
            type: "Flocker (a Flocker volume mounted by the Flocker agent)",
            lines: [("DatasetName:", "datasetName", .text), ("DatasetUUID:", "datasetUUID", .text)]),
    ]
}
