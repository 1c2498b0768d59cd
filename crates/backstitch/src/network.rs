//! The one door to the network: who may use it, and how.
//!
//! Only the user's machine talks through it, to the registry's index and to OSV's
//! archives. Proxy variables are honoured; nothing of the project goes out.

use std::time::Duration;

/// May the network be used?
#[derive(Debug, Clone)]
pub struct Network {
    agent: Option<ureq::Agent>,
}

impl Network {
    /// An open door. Certificates are those of the system, where it has any.
    pub fn online() -> Self {
        let tls = ureq::tls::TlsConfig::builder()
            .root_certs(ureq::tls::RootCerts::PlatformVerifier)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .proxy(ureq::Proxy::try_from_env())
            .user_agent(concat!("backstitch/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_secs(20)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .timeout_recv_body(Some(Duration::from_secs(1800)))
            .http_status_as_error(false)
            .build()
            .new_agent();
        Self { agent: Some(agent) }
    }

    /// A closed door.
    pub fn offline() -> Self {
        Self { agent: None }
    }

    /// The client, where the door is open.
    pub fn agent(&self) -> Option<ureq::Agent> {
        self.agent.clone()
    }
}
