//! Numbers among the arguments.

use std::ops::RangeInclusive;

/// Reads a whole number of a range; says in words what is wanted instead.
pub(crate) fn number<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    let (least, most) = range.into_inner();
    move |text: &str| {
        let given = text.parse().ok().filter(|number| (least..=most).contains(number));
        given.and_then(|number| T::try_from(number).ok()).ok_or_else(|| match (least, most) {
            (0, u64::MAX) => "give a whole number, such as 20".to_owned(),
            (least, u64::MAX) => format!("give a whole number, {least} or more"),
            (least, most) => format!("give a whole number from {least} to {most}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_asked_for_in_words() {
        assert_eq!(number::<u8>(1..=32)("32"), Ok(32));
        for wrong in ["0", "33", "x", "-1", "1.5", "", "99999999999999999999"] {
            assert_eq!(number::<u8>(1..=32)(wrong), Err("give a whole number from 1 to 32".to_owned()));
        }
        // What the type cannot hold is refused as well.
        assert_eq!(number::<u32>(1..=u64::MAX)("4294967296"), Err("give a whole number, 1 or more".to_owned()));
        assert_eq!(number::<usize>(0..=u64::MAX)("0"), Ok(0));
        assert_eq!(number::<usize>(0..=u64::MAX)("x"), Err("give a whole number, such as 20".to_owned()));
    }
}
