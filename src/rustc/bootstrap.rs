//! `RUSTC_BOOTSTRAP`: whether a stable rustc takes unstable options.

use std::ffi::OsStr;

/// The variable's name.
pub const VARIABLE: &str = "RUSTC_BOOTSTRAP";

/// Whether this value lets a stable rustc take `-Z` options for the crate: `1`, or a comma-separated list that names it
/// (`rustc_feature::UnstableFeatures::from_environment`). `-1` forbids them even to a nightly; any other value is the same as none.
pub fn is_on(value: &OsStr, crate_name: &str) -> bool {
    value == "1" || value.to_str().is_some_and(|value| value.split(',').any(|name| name == crate_name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_means_one_or_the_crate_itself() {
        for (value, on) in [("1", true), ("a", true), ("b,a", true), ("0", false), ("-1", false), ("b", false), ("", false)] {
            assert_eq!(is_on(value.as_ref(), "a"), on, "{value}");
        }
    }
}
