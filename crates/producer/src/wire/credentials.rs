//! Credentials, kept until shortly before they expire; one request at a time looks for new ones.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials, SharedCredentialsProvider, error::CredentialsError},
};
use aws_smithy_runtime_api::client::identity::Identity;

use crate::{
    lock::{Mutex, MutexGuard, lock},
    transport::{RequestError, Severity},
};

/// How long before they expire credentials are replaced.
const AHEAD: Duration = Duration::from_secs(5 * 60);
/// How long a provider is left alone that could not replace credentials which are still good.
const PAUSE: Duration = Duration::from_secs(10);
/// How long a provider may take.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) struct CredentialsCache {
    provider: Option<SharedCredentialsProvider>,
    state: Mutex<State>,
    loading: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct State {
    current: Option<Held>,
    loads: u64,
    refused: Option<Lease>,
}

#[derive(Clone)]
struct Held {
    lease: Lease,
    replace_at: Option<SystemTime>,
}

/// Credentials for one request.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) identity: Identity,
    credentials: Credentials,
    load: u64,
}

impl CredentialsCache {
    pub(super) fn new(provider: Option<SharedCredentialsProvider>) -> Self {
        Self { provider, state: Mutex::default(), loading: tokio::sync::Mutex::default() }
    }

    /// Credentials that are good now. While those that are kept are good, only one caller waits for new ones.
    pub(super) async fn get(&self) -> Result<Lease, RequestError> {
        let now = SystemTime::now();
        let held = self.state().current.clone().filter(|held| !held.is_over(now));
        match held {
            Some(held) if held.is_fresh(now) => Ok(held.lease),
            Some(held) => match self.loading.try_lock() {
                Ok(_alone) => Ok(self.replace(held).await),
                Err(_) => Ok(held.lease),
            },
            None => self.wait().await,
        }
    }

    /// The service says that these have expired. Whether looking for others may help: not when it was done already,
    /// and gave the same.
    pub(super) fn refuse(&self, lease: &Lease) -> bool {
        let mut state = self.state();
        let is_again = state.refused.as_ref().is_some_and(|before| before.load < lease.load && before.is_like(lease));
        state.refused = Some(lease.clone());
        state.current.take_if(|held| held.lease.load == lease.load);
        !is_again
    }

    async fn wait(&self) -> Result<Lease, RequestError> {
        let _alone = self.loading.lock().await;
        let now = SystemTime::now();
        if let Some(held) = self.state().current.clone().filter(|held| held.is_fresh(now)) {
            return Ok(held.lease);
        }
        self.load().await
    }

    async fn replace(&self, held: Held) -> Lease {
        match self.load().await {
            Ok(lease) => lease,
            Err(error) => {
                tracing::warn!(error = error.with_causes(), "credentials could not be replaced before they expire");
                let replace_at = Some(SystemTime::now() + PAUSE);
                self.state().current = Some(Held { replace_at, ..held.clone() });
                held.lease
            }
        }
    }

    async fn load(&self) -> Result<Lease, RequestError> {
        let provider = self.provider.as_ref().ok_or_else(none)?;
        let loaded = tokio::time::timeout(PATIENCE, provider.provide_credentials()).await;
        let credentials = loaded.map_err(|_| too_slow())?.map_err(explain)?;
        let mut state = self.state();
        state.loads += 1;
        let lease = Lease { identity: credentials.clone().into(), credentials, load: state.loads };
        state.current = Some(Held::new(lease.clone(), SystemTime::now()));
        Ok(lease)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}

impl Held {
    /// To be replaced some time before they expire, though not before half of what they have left.
    fn new(lease: Lease, now: SystemTime) -> Self {
        let replace_at = lease.credentials.expiry().map(|expiry| {
            let left = expiry.duration_since(now).unwrap_or_default();
            now + left.saturating_sub(AHEAD).max(left / 2)
        });
        Self { lease, replace_at }
    }

    fn is_fresh(&self, now: SystemTime) -> bool {
        self.replace_at.is_none_or(|at| now < at)
    }

    fn is_over(&self, now: SystemTime) -> bool {
        self.lease.credentials.expiry().is_some_and(|expiry| expiry <= now)
    }
}

impl Lease {
    fn is_like(&self, other: &Self) -> bool {
        let parts =
            |lease: &Self| (lease.access_key_id().to_owned(), lease.credentials.session_token().map(str::to_owned));
        parts(self) == parts(other)
    }

    fn access_key_id(&self) -> &str {
        self.credentials.access_key_id()
    }

    /// A text of the service without what it may repeat of the credentials.
    pub(super) fn redact(&self, text: &str) -> String {
        let secrets =
            [Some(self.access_key_id()), Some(self.credentials.secret_access_key()), self.credentials.session_token()];
        let secrets = secrets.into_iter().flatten().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "…"))
    }
}

fn none() -> RequestError {
    fatal("there are no credentials; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile")
}

fn too_slow() -> RequestError {
    let message = format!("no credentials within {PATIENCE:?}; check what gives them");
    RequestError::new(Severity::Unavailable, message)
}

fn explain(error: CredentialsError) -> RequestError {
    let explained = match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            fatal("there are no credentials; set them in the environment or a profile")
        }
        CredentialsError::InvalidConfiguration(_) => fatal("the settings of the credentials are wrong; correct them"),
        _ => RequestError::new(
            Severity::Unavailable,
            "the credentials could not be loaded; the producer asks for them again",
        ),
    };
    explained.with_source(error)
}

fn fatal(message: &str) -> RequestError {
    RequestError::new(Severity::Fatal, message)
}

impl fmt::Debug for CredentialsCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CredentialsCache")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use aws_credential_types::provider::{Result as Provided, future};

    use super::*;

    /// Gives what a function makes of the number of the call.
    #[derive(Clone)]
    struct Provider {
        calls: Arc<AtomicUsize>,
        script: fn(usize) -> Provided,
    }

    impl fmt::Debug for Provider {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("Provider")
        }
    }

    impl ProvideCredentials for Provider {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            let given = (self.script)(self.calls.fetch_add(1, Ordering::SeqCst));
            future::ProvideCredentials::new(async move {
                tokio::task::yield_now().await;
                given
            })
        }
    }

    fn cache(script: fn(usize) -> Provided) -> (CredentialsCache, Arc<AtomicUsize>) {
        let provider = Provider { calls: Arc::default(), script };
        let calls = provider.calls.clone();
        (CredentialsCache::new(Some(SharedCredentialsProvider::new(provider))), calls)
    }

    fn lasting(call: usize, left: Duration) -> Credentials {
        let token = Some(format!("token-{call}"));
        Credentials::new(format!("id-{call}"), "secret", token, Some(SystemTime::now() + left), "test")
    }

    const HOUR: Duration = Duration::from_secs(3600);
    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test]
    async fn one_looks_for_credentials_and_all_use_them() {
        let (cache, calls) = cache(|call| Ok(lasting(call, HOUR)));
        let leases = futures::future::join_all((0..20).map(|_| cache.get())).await;
        assert!(leases.into_iter().all(|lease| lease.is_ok_and(|lease| lease.access_key_id() == "id-0")));
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn they_are_replaced_before_they_expire_and_kept_when_that_fails() {
        let (cache, calls) = cache(|call| match call {
            0 => Ok(lasting(call, MINUTE)),
            1 => Err(CredentialsError::provider_error("later")),
            _ => Ok(lasting(call, HOUR)),
        });
        let id = async || cache.get().await.expect("credentials").access_key_id().to_owned();
        assert_eq!((id().await, id().await, calls.load(Ordering::SeqCst)), ("id-0".into(), "id-0".into(), 1));
        cache.state().current.as_mut().expect("credentials").replace_at = Some(SystemTime::now());
        assert_eq!((id().await, id().await, calls.load(Ordering::SeqCst)), ("id-0".into(), "id-0".into(), 2));
        cache.state().current.as_mut().expect("credentials").replace_at = Some(SystemTime::now());
        assert_eq!((id().await, calls.load(Ordering::SeqCst)), ("id-2".into(), 3));
    }

    #[test]
    fn five_minutes_or_half_of_what_is_left_comes_first() {
        let now = SystemTime::now();
        let replaced_after = |left| {
            let credentials = Credentials::new("id", "secret", None, Some(now + left), "test");
            let lease = Lease { identity: credentials.clone().into(), credentials, load: 1 };
            Held::new(lease, now).replace_at.expect("they expire").duration_since(now).expect("later")
        };
        assert_eq!((replaced_after(HOUR), replaced_after(2 * MINUTE)), (HOUR - AHEAD, MINUTE));
    }

    #[tokio::test]
    async fn refused_ones_are_looked_for_again_and_the_same_again_are_final() {
        let (changing, _) = cache(|call| Ok(lasting(call, HOUR)));
        let (constant, calls) = cache(|_| Ok(lasting(0, HOUR)));
        for (cache, may_help) in [(&changing, true), (&constant, false)] {
            let (first, too) = (cache.get().await.expect("credentials"), cache.get().await.expect("credentials"));
            assert!(cache.refuse(&first) && cache.refuse(&too), "both were of one load");
            let second = cache.get().await.expect("credentials");
            assert_eq!(cache.refuse(&second), may_help);
        }
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn want_of_credentials_is_final_and_trouble_with_them_is_not() {
        let severity = async |cache: &CredentialsCache| cache.get().await.err().expect("an error").severity();
        assert_eq!(severity(&CredentialsCache::new(None)).await, Severity::Fatal);
        assert_eq!(severity(&cache(|_| Err(CredentialsError::not_loaded("none"))).0).await, Severity::Fatal);
        assert_eq!(severity(&cache(|_| Err(CredentialsError::invalid_configuration("x"))).0).await, Severity::Fatal);
        assert_eq!(severity(&cache(|_| Err(CredentialsError::provider_error("503"))).0).await, Severity::Unavailable);
    }

    /// With the clock of Tokio's tests, which the producer by itself does without.
    #[tokio::test(start_paused = true)]
    async fn a_provider_that_says_nothing_is_not_waited_for_without_end() {
        let silent = CredentialsCache::new(Some(SharedCredentialsProvider::new(Silent)));
        assert_eq!(silent.get().await.err().expect("an error").severity(), Severity::Unavailable);
    }

    #[derive(Debug)]
    struct Silent;

    impl ProvideCredentials for Silent {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            future::ProvideCredentials::new(std::future::pending())
        }
    }

    #[tokio::test]
    async fn they_are_not_in_texts() {
        let (cache, _) = cache(|call| Ok(lasting(call, HOUR)));
        let lease = cache.get().await.expect("credentials");
        assert_eq!(
            lease.redact("x-amz-security-token:token-0 of id-0 by secret."),
            "x-amz-security-token:… of … by …."
        );
        assert_eq!(format!("{cache:?}"), "CredentialsCache");
    }
}
