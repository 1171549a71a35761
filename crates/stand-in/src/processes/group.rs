//! A process with everything that it started, and its end.

use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use tokio::process::{Child, Command};

/// The process group that a child leads, killed when this is dropped.
pub(crate) struct Group(Option<Pid>);

impl Group {
    /// The group of a child that was started with `process_group(0)` and not yet waited for.
    pub(crate) fn led_by(child: &Child) -> Self {
        Self(child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)))
    }

    /// The id of the group, which is that of its leader; none where the child had ended.
    pub(crate) fn id(&self) -> Option<Pid> {
        self.0
    }

    /// Asks the leader to end (SIGTERM). What it started is its own to end.
    pub(crate) fn terminate_leader(&self) {
        if let Some(leader) = self.0
            && let Err(e) = kill_process(leader, Signal::TERM)
        {
            tracing::trace!("a process that should end is gone already: {e}");
        }
    }

    /// Ends all of them (SIGKILL), once: the id may be another's after that.
    pub(crate) fn kill(&mut self) {
        if let Some(group) = self.0.take()
            && let Err(e) = kill_process_group(group, Signal::KILL)
        {
            tracing::trace!("the processes of a group are gone already: {e}");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// However the stand-in ends, the process ends then: the ports that it calls would be free for whoever takes them.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "between fork and exec only system calls are made, which is all that is allowed there")]
pub(crate) fn end_with_parent(command: &mut Command) {
    let parent = rustix::process::getpid();
    let prepare = move || {
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
        // It may have ended before.
        match rustix::process::getppid() == Some(parent) {
            true => Ok(()),
            false => Err(std::io::ErrorKind::BrokenPipe.into()),
        }
    };
    // SAFETY: the closure allocates nothing, takes no lock and touches nothing that a thread of the parent could hold.
    unsafe { command.pre_exec(prepare) };
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn end_with_parent(_command: &mut Command) {}
