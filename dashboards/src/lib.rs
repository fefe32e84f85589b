//! What is seen: the console's built assets and the Grafana dashboards, as bytes in the binary.
