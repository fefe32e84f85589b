//! Proves the house: see ARCHITECTURE.md for the suites.
