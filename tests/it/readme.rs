//! Every command in README is run.
