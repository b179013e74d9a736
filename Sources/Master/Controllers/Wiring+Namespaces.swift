import Shared

/// Namespaces and what each of them is given.
extension Wiring {
    mutating func addNamespaces(
        _ client: (String) -> Client, _ kinds: @escaping @Sendable () async -> [KindType],
        _ settings: Controllers.Settings
    ) {
        let namespaces = caches.namespaces
        let name = "namespace-controller"
        let queue = queue(name)
        namespaces.add { change in
            // What it says itself of the content is no reason to look again at once.
            if case .updated(let old, let new) = change, old.metadata.isDeleting == new.metadata.isDeleting,
                old.json["spec"] == new.json["spec"]
            {
                return
            }
            queue.add(change.object.key)
        }
        onRemoval { metadata in
            guard namespaces.get(name: metadata.namespace)?.metadata.isDeleting ?? false else { return }
            queue.add(
                ObjectKey(Namespace.type.resource, name: metadata.namespace), after: Limits.namespaceGathering)
        }
        run(name, Namespaces(client: client(name), namespaces: namespaces, kinds: kinds, clock: clock), queue)

        let accounts = "service-account-controller"
        let accountsQueue = self.queue(accounts)
        namespaces.wake(accountsQueue)
        caches.accounts.add { change in
            if case .removed(let account) = change, account.name == "default" {
                accountsQueue.add(ObjectKey(Namespace.type.resource, name: account.namespace))
            }
        }
        run(
            accounts,
            ServiceAccounts(client: client(accounts), namespaces: namespaces, accounts: caches.accounts), accountsQueue)

        if let sign = settings.accountToken { addTokens(client, settings, sign) }

        let publisher = "root-ca-cert-publisher"
        let publisherQueue = self.queue(publisher)
        namespaces.wake(publisherQueue)
        caches.rootCertificates.add { change in
            publisherQueue.add(ObjectKey(Namespace.type.resource, name: change.object.namespace))
        }
        run(
            publisher,
            RootCertificates(
                client: client(publisher), namespaces: namespaces, published: caches.rootCertificates,
                certificate: settings.rootCertificate), publisherQueue)
    }

    private mutating func addTokens(
        _ client: (String) -> Client, _ settings: Controllers.Settings,
        _ sign: @escaping @Sendable (ServiceAccount, Secret) throws -> String
    ) {
        let name = "tokens-controller"
        let queue = queue(name)
        let secrets = caches.accountTokens
        secrets.wake(queue)
        caches.accounts.add { change in
            for secret in secrets.list(index: OwnerIndex.namespace, change.object.namespace)
            where secret.metadata.annotations[AccountTokensPlan.accountName] == change.object.name {
                queue.add(secret.key)
            }
        }
        run(
            name,
            AccountTokens(
                client: client(name), secrets: secrets, accounts: caches.accounts,
                certificate: settings.rootCertificate, sign: sign), queue)
    }
}
