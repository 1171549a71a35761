//! The page's own files. There are no others: no framework, nothing from outside.

use axum::{
    Router,
    http::{HeaderName, header},
    routing::get,
};

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Path, type and text of each.
const ALL: [(&str, &str, &str); 11] = [
    ("/", HTML, include_str!("index.html")),
    ("/page.css", CSS, include_str!("page.css")),
    ("/main.js", SCRIPT, include_str!("main.js")),
    ("/pipeline.js", SCRIPT, include_str!("pipeline.js")),
    ("/plot.js", SCRIPT, include_str!("plot.js")),
    ("/plots.js", SCRIPT, include_str!("plots.js")),
    ("/series.js", SCRIPT, include_str!("series.js")),
    ("/shards.js", SCRIPT, include_str!("shards.js")),
    ("/presenter.js", SCRIPT, include_str!("presenter.js")),
    ("/tables.js", SCRIPT, include_str!("tables.js")),
    ("/text.js", SCRIPT, include_str!("text.js")),
];

/// Serves them.
pub(super) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let one = |(kind, text): (&'static str, &'static str)| {
        let content: [(HeaderName, &'static str); 1] = [(header::CONTENT_TYPE, kind)];
        get(move || async move { (content, text) })
    };
    ALL.into_iter().fold(Router::new(), |router, (path, kind, text)| router.route(path, one((kind, text))))
}
