//! Templates at their providers: pulled, changed, deleted, and compared with campaigns.

mod conformance; // a campaign is compared with its template, and again before the first message
mod findings; // what is printed about templates, word for word
mod management; // templates are created, shown, changed and deleted, and never created twice
mod simulated_servers; // how strict the simulated providers of templates are
