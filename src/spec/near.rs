//! Near misses: what was likely meant.

/// The candidate most like `text`, if one is close enough to be what was meant.
pub(super) fn nearest<'a>(text: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['-', ' '], "_");
    let wanted = plain(text);
    let allowed = (wanted.chars().count() / 3).max(1);
    let distances = candidates.into_iter().map(|one| (strsim::damerau_levenshtein(&wanted, &plain(one)), one));
    let close = distances.filter(|(distance, one)| *distance <= allowed && *distance < one.chars().count());
    close.min_by_key(|(distance, _)| *distance).map(|(_, one)| one.to_owned())
}
