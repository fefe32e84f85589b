//! The word that was probably meant.

/// The identifier nearest to `word`, if one is near.
pub(super) fn nearest<'a>(word: &str, known: &'a [String]) -> Option<&'a str> {
    let scored = known.iter().map(|other| (distance(word, other), other.as_str()));
    scored.filter(|(distance, other)| *distance <= other.len().max(word.len()) / 3 + 1).min().map(|(_, other)| other)
}

/// Insertions, deletions, replacements and exchanges of two neighbours that make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut two_ago = vec![0; b.len() + 1];
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
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
    fn two_letters_exchanged_are_one_slip() {
        let known = ["rate", "rise", "raise"].map(str::to_owned);
        assert_eq!(nearest("rsie", &known), Some("rise"));
        assert_eq!(nearest("rat", &known), Some("rate"));
        assert_eq!(nearest("methane", &known), None);
    }
}
