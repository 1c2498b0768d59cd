//! The one door to the network: who may use it, and how.
//!
//! Only the user's machine talks through it, to the registry's index and to OSV's
//! archives. Proxy variables are honoured; nothing of the project goes out.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// How long a name server's answer is taken for good.
const ADDRESSES_KEPT: Duration = Duration::from_secs(60);

/// How many connections are kept for the next request.
const CONNECTIONS_MAX: usize = 8;

/// Asks the name server once a minute and host, rather than once a request: an answer that is
/// lost on the way costs seconds.
#[derive(Debug, Default)]
struct Addresses {
    resolver: DefaultResolver,
    known: Mutex<HashMap<String, (Instant, ResolvedSocketAddrs)>>,
}

impl Resolver for Addresses {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = format!("{:?}://{:?}", uri.scheme(), uri.authority());
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = known().get(&host).cloned();
        if let Some((asked, addresses)) = earlier
            && asked.elapsed() < ADDRESSES_KEPT
        {
            return Ok(addresses);
        }
        let addresses = self.resolver.resolve(uri, config, timeout)?;
        known().insert(host, (Instant::now(), addresses.clone()));
        Ok(addresses)
    }
}

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
            .max_idle_connections(CONNECTIONS_MAX)
            .max_idle_connections_per_host(CONNECTIONS_MAX)
            .build();
        let connector = ureq::unversioned::transport::DefaultConnector::default();
        let agent = ureq::Agent::with_parts(agent, connector, Addresses::default());
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
