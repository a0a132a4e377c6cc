//! `RUSTC_BOOTSTRAP`: whether a stable rustc takes unstable options.

use std::ffi::OsStr;

/// The variable's name.
pub const VARIABLE: &str = "RUSTC_BOOTSTRAP";

/// Whether this value lets a stable rustc take `-Z` options for a crate: `1`, or a comma-separated list that names it
/// (`rustc_feature::UnstableFeatures::from_environment`). `-1` forbids them even to a nightly; any other value is the same as none.
///
/// `crate_name` is the value of `--crate-name`: without that option, rustc does not know yet whose options it reads.
pub fn is_on(value: &OsStr, crate_name: Option<&str>) -> bool {
    let listed = |name: &str| value.to_str().is_some_and(|value| value.split(',').any(|listed| listed == name));
    value == "1" || crate_name.is_some_and(listed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_means_one_or_the_crate_itself() {
        for (value, on) in [("1", true), ("a", true), ("b,a", true), ("0", false), ("-1", false), ("b", false), ("", false)] {
            assert_eq!(is_on(value.as_ref(), Some("a")), on, "{value}");
        }
        assert!(!is_on("a".as_ref(), None) && is_on("1".as_ref(), None));
    }
}
