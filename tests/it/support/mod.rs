//! Everything that more than one test file uses.

pub(crate) mod scripted_provider; // the provider that every run sends to, and the record of all it received
pub(crate) mod template_server; // a simulated provider of templates, and a connection that loses requests on purpose
pub(crate) mod test_env; // a folder, a campaign, the binary; and the one way to wait
