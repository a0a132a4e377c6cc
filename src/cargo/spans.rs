//! Places in interface source, for people.

/// A line of the compiler's with places in the true source in the place of those in interface source. `None` if it has none of those.
pub fn in_true_source(_line: &[u8]) -> Option<Vec<u8>> {
    None
}
