"""The ground that a submission runs on: namespaces, the sandbox, the launch, what it prints."""
