import Shared

extension Limits {
    /// Wait before a crashed container's second restart, doubled with each further one. Source: kubelet `backOffPeriod`.
    static let restartBackoffFirst = Duration.seconds(10)
    /// Longest wait between two restarts. Source: kubelet `MaxContainerBackOff`.
    static let restartBackoffMost = Duration.seconds(300)
    /// A container that ran this long begins again without a wait. Source: kubelet, twice the longest wait.
    static let restartBackoffReset = Duration.seconds(600)
    /// Wait before a failed preparation (volumes, sandbox, configuration) is tried again.
    static let preparationRetry = Duration.seconds(2)
    /// Longest wait between two tries to prepare a pod or to pull an image.
    static let preparationRetryMost = Duration.seconds(60)
    /// How often files made of API objects are compared with the API.
    static let volumeRefresh = Duration.seconds(10)
    /// Pods that are worked on at the same time; the others wait for their turn.
    static let podWorkers = 16
    /// Least time that a container has to end after its preStop hook. Source: kubelet `minimumGracePeriodInSeconds`.
    static let graceLeast = Duration.seconds(2)
    /// Bytes of log that explain an end (`FallbackToLogsOnError`) and their lines. Source: Kubernetes API.
    static let fallbackMessageBytes = 2048
    static let fallbackMessageLines = 80
    /// Variables of one container; more are left out.
    static let environmentMax = 10_000
}
