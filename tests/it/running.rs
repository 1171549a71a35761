//! A run under way.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::Child,
};

use crate::command::{Demo, text, until};

const RUN: [&str; 6] = ["run", "stacks/stream-only.yaml", "--set", "load.duration=300s", "--set", "load.rate=100/s"];

/// A run in the background, which is killed if the test fails.
pub struct Running {
    child: Child,
    said: PathBuf,
}

impl Running {
    /// Returns when documents are acknowledged.
    pub fn start(demo: &Demo, more: &[&str]) -> Self {
        let runs = (0..).map(|run| demo.home.path().join(format!("said-{run}")));
        let said = runs.into_iter().find(|said| !said.exists()).expect("a name");
        let file = File::create(&said).expect("a file");
        let is_logged = |path: &PathBuf| fs::read_to_string(path).is_ok_and(|log| log.contains("\nacknowledged "));
        let logged = || demo.files("runs").iter().filter(|path| is_logged(path)).count();
        let before = logged();
        let mut command = demo.command(&[&RUN[..], more].concat());
        command.stdout(file.try_clone().expect("a file")).stderr(file);
        let running = Self { child: command.spawn().expect("demo starts"), said };
        until("an acknowledgement", || logged() > before);
        running
    }

    pub fn ends(mut self, code: i32) -> String {
        until("its end", || self.child.try_wait().expect("a child").is_some());
        let said = text(&fs::read(&self.said).expect("a file"));
        assert_eq!(self.child.wait().expect("a child").code(), Some(code), "{said}");
        said
    }
}

impl Running {
    /// Kills it as a machine that loses its power would.
    pub fn kill(mut self) {
        self.child.kill().expect("a child");
        self.child.wait().expect("a child");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
