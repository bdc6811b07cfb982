//! What is near to a name that nothing has.

/// `did you mean`, or the whole list where nothing is near.
pub fn near(name: &str, known: &[&str]) -> String {
    let scored = known.iter().map(|k| (strsim::jaro_winkler(name, k), *k));
    let best = scored.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|(score, _)| *score > 0.7);
    match best {
        Some((_, known)) => format!("did you mean {known}?"),
        None => format!("there are: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::near;

    #[test]
    fn names_that_are_near_are_offered() {
        assert_eq!(near("trainer2", &["trainer-1", "trainer-2"]), "did you mean trainer-2?");
        assert_eq!(near("zzz", &["a", "b"]), "there are: a, b");
    }
}
