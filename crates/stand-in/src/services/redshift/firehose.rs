//! What Firehose does to a warehouse: logs in by JDBC, and loads by COPY.

use super::{
    Redshift,
    engine::{Copy, Failure, Role, Statement, Warehouse},
    warehouses::{Endpoint, credentials},
};

/// A table that Firehose loads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Destination {
    /// `jdbc:redshift://host:port/database`.
    pub(crate) url: String,
    /// `table` or `schema.table`.
    pub(crate) table: String,
    /// As in COPY's column list: separated by commas; empty for every column.
    pub(crate) columns: String,
    /// As in COPY: `JSON 's3://…' GZIP …`.
    pub(crate) options: String,
}

/// Who logs in.
#[derive(Clone)]
pub(crate) enum Login {
    /// By name and password.
    Password {
        /// Of a database user.
        username: String,
        /// Never logged.
        password: String,
    },
    /// By a secret's name or ARN.
    Secret(String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password { username, .. } => write!(f, "Password {{ username: {username:?} }}"),
            Self::Secret(secret) => write!(f, "Secret({secret:?})"),
        }
    }
}

/// Why a load did not go well.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Trouble {
    /// Nothing answers at the address.
    #[error("no cluster and no workgroup is at {0}")]
    NoEndpoint(String),
    /// The credentials are not the administrator's, or the secret is none.
    #[error("{0}")]
    Login(String),
    /// The COPY failed; in Redshift's words.
    #[error("{0}")]
    Copy(String),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Copy(failure.to_string())
    }
}

impl Destination {
    /// The COPY command for a manifest at `s3://bucket/key`.
    fn copy(&self, manifest: &str) -> Result<Copy, Failure> {
        let columns = if self.columns.is_empty() { String::new() } else { format!(" ({})", self.columns) };
        // The role is Firehose's own, checked when the delivery stream was made.
        let sql = format!("COPY {}{columns} FROM '{manifest}' IAM_ROLE default MANIFEST {}", self.table, self.options);
        match Statement::parse(&sql, &[])? {
            Statement::Copy(copy) => Ok(Copy { role: Role::Caller, ..*copy }),
            _ => Err(Failure::syntax(&self.table)),
        }
    }

    /// Refuses what would never make a COPY command.
    ///
    /// # Errors
    /// [`Trouble::Copy`], in Redshift's words.
    pub(crate) fn check(&self) -> Result<(), Trouble> {
        self.copy("s3://bucket/manifest")?;
        Ok(())
    }
}

impl Redshift {
    /// Whether a secret of this name or ARN can be read and holds a name and a password.
    pub(crate) fn has_login(&self, secret: &str) -> bool {
        self.secrets.read(secret).is_ok_and(|value| credentials(&value).is_some())
    }

    /// Loads the objects of a manifest (`s3://bucket/key`) into a table, once for each `id`: a load that has been committed
    /// under the same id is not made again. How many rows were loaded; 0 where they had been before.
    ///
    /// # Errors
    /// Why nothing was loaded.
    pub(crate) async fn copy_for_firehose(
        &self,
        destination: &Destination,
        login: &Login,
        manifest: &str,
        id: &str,
    ) -> Result<i64, Trouble> {
        let url = &destination.url;
        let endpoint = self.warehouses.of_url(url).map_err(Failure::from)?;
        let endpoint = endpoint.ok_or_else(|| Trouble::NoEndpoint(url.clone()))?;
        self.log_in(&endpoint, login)?;
        let copy = destination.copy(manifest)?;
        let Endpoint { found: (_, warehouse, access), database, .. } = &endpoint;
        let warehouse: &Warehouse = warehouse;
        if warehouse.is_committed(id) {
            return Ok(0);
        }
        let mut all = warehouse.run(id, database, access, vec![Statement::Copy(Box::new(copy))]).await;
        match all.pop() {
            Some(ran) => Ok(ran.outcome?.rows),
            None => Err(Trouble::Copy("the COPY was not run".into())),
        }
    }

    fn log_in(&self, endpoint: &Endpoint, login: &Login) -> Result<(), Trouble> {
        let (username, password) = match login {
            Login::Password { username, password } => (username.clone(), password.clone()),
            Login::Secret(secret) => {
                let value = self.secrets.read(secret);
                let value = value.map_err(|error| Trouble::Login(format!("the secret {secret}: {}", error.message)))?;
                credentials(&value).ok_or_else(|| {
                    Trouble::Login(format!("the secret {secret} holds no username and password in JSON"))
                })?
            }
        };
        if endpoint.admits(&username, &password, &self.secrets) {
            return Ok(());
        }
        Err(Trouble::Login(format!("FATAL: password authentication failed for user \"{username}\"")))
    }
}
