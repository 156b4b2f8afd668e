//! `campaigner serve`: the schedule, the pages, the webhook and the notification at the end.

mod connections; // silent connections keep nobody out
mod hanging_files; // files that do not answer hold up nothing
mod live_page; // the page on which people watch the service
mod meta; // Meta's signed webhooks finish a run
mod notification; // who is notified when a run has finished
mod scheduler; // what is due runs once, and can be controlled over HTTP
mod webhook; // statuses and replies that the provider posts
