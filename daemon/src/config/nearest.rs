//! Which known word was probably meant.

/// The candidate nearest to `word`, if it is near enough to have been meant; of several the first by name, in whatever
/// order they come.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.chars().take(64).collect();
    let enough = 1 + word.len() / 4;
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|(distance, _)| *distance <= enough)
        .min()
        .map(|(_, candidate)| candidate)
}

/// "did you mean …?" where a near name exists.
pub(crate) fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    nearest(word, candidates).map(|near| format!("did you mean `{near}`?"))
}

/// Insertions, deletions, replacements and exchanges of two neighbours that make one word of the other.
fn distance(a: &[char], b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut two_ago = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let same = usize::from(!x.eq_ignore_ascii_case(y));
            let mut best = (last[j] + same).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && *x == b[j - 1] {
                best = best.min(two_ago[j - 1] + 1);
            }
            row[j + 1] = best;
        }
        two_ago = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_of_the_hand_are_seen_through() {
        let known = ["raise_at", "lift_below", "stage", "rain"];
        assert_eq!(nearest("raise_ta", known), Some("raise_at"));
        assert_eq!(nearest("liftbelow", known), Some("lift_below"));
        assert_eq!(nearest("Stage", known), Some("stage"));
        assert_eq!(nearest("methane", known), None);
        assert_eq!((nearest("a9", ["a2", "a1"]), nearest("a9", ["a1", "a2"])), (Some("a1"), Some("a1")));
    }
}
