//! Server-sent events (HTML Standard, 9.2): how state and rows travel.

use bytes::Bytes;
use serde::Serialize;

/// One event. JSON has no line ends, so its data is one line.
pub(super) fn frame(event: &str, data: &impl Serialize) -> Bytes {
    let json = serde_json::to_string(data).expect("the page's data is JSON");
    Bytes::from(format!("event: {event}\ndata: {json}\n\n"))
}

/// An event that a browser names when it connects again: the place in a playback.
pub(super) fn placed(event: &Bytes, at: f64) -> Bytes {
    Bytes::from([format!("id: {at:.3}\n").as_bytes(), event].concat())
}

/// A comment, which shows both ends that the connection lives.
pub(super) const STILL_HERE: Bytes = Bytes::from_static(b": \n\n");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_several_lines_is_one_event() {
        let sent = frame("row", &"a\nb: <script>\r\n\nevent: state");
        assert_eq!(sent, "event: row\ndata: \"a\\nb: <script>\\r\\n\\nevent: state\"\n\n");
        assert_eq!(placed(&sent, 1.5), [b"id: 1.500\n", &sent[..]].concat());
    }
}
