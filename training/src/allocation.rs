//! Memory settings that suit training.
//!
//! Every step allocates and frees the same few hundred megabytes. With its
//! defaults glibc returns these pages to the system and asks for them again,
//! which costs system time that grows with the batch. Its settings are read when a
//! process starts, so the process starts itself again, once.

// Elsewhere nothing of it is used.
#![cfg_attr(not(all(target_os = "linux", target_env = "gnu")), allow(dead_code))]

use std::ffi::OsString;

/// Set in a process that was started again; `system` by hand keeps the
/// defaults.
const MARK: &str = "IDM_TRAIN_ALLOCATION";
/// What is set unless it is set already, besides [`ARENAS`].
const SETTINGS: [(&str, &str); 3] = [
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "100000000000"),
    ("MALLOC_TOP_PAD_", "268435456"),
];
const TUNABLES: &str = "GLIBC_TUNABLES";
const HUGE_PAGES: &str = "glibc.malloc.hugetlb";

/// Heaps with a lock of their own: one is fastest on two cores; on many, rendering threads
/// would wait for each other.
const ARENAS: &str = "MALLOC_ARENA_MAX";
const CORES_PER_ARENA: usize = 2;

/// The variables to add on `cores` cores, given the present ones.
fn additions(
    cores: usize,
    present: impl Fn(&str) -> Option<OsString>,
) -> Vec<(&'static str, OsString)> {
    let arenas = (cores / CORES_PER_ARENA).max(1).to_string();
    let mut added: Vec<(&str, OsString)> = SETTINGS
        .iter()
        .map(|&(name, value)| (name, OsString::from(value)))
        .chain([(ARENAS, arenas.into())])
        .filter(|(name, _)| present(name).is_none())
        .collect();
    let mut tunables = present(TUNABLES).unwrap_or_default();
    if !tunables.to_string_lossy().contains(HUGE_PAGES) {
        if !tunables.is_empty() {
            tunables.push(":");
        }
        tunables.push(format!("{HUGE_PAGES}=1"));
        added.push((TUNABLES, tunables));
    }
    added
}

/// Replaces this process by itself with memory settings that make training
/// faster, if that has not happened yet: same arguments, same process number.
/// Variables that are set already are respected; `IDM_TRAIN_ALLOCATION=system`
/// prevents it. Returns where that is impossible or done; not being able to is
/// no error. Call before anything else is started.
pub fn restart_with_fast_allocation() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if std::env::var_os(MARK).is_none() {
        restart();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn restart() {
    use std::os::unix::process::CommandExt;
    let Ok(program) = std::env::current_exe() else {
        return;
    };
    let mut command = std::process::Command::new(program);
    command.args(std::env::args_os().skip(1)).env(MARK, "fast");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    command.envs(additions(cores, |name| std::env::var_os(name)));
    // Only comes back if it fails.
    let error = command.exec();
    complain!("training goes on with the system's memory settings: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_settings_are_respected_and_tunables_joined() {
        let fresh = additions(2, |_| None);
        assert_eq!(fresh.len(), 5);
        assert_eq!(fresh[4], (TUNABLES, "glibc.malloc.hugetlb=1".into()));
        assert!(fresh.contains(&(ARENAS, "1".into())));
        assert!(additions(16, |_| None).contains(&(ARENAS, "8".into())));
        let own = additions(2, |name| match name {
            ARENAS => Some("4".into()),
            TUNABLES => Some("glibc.malloc.check=1".into()),
            _ => None,
        });
        assert!(own.iter().all(|(name, _)| *name != ARENAS));
        let joined = "glibc.malloc.check=1:glibc.malloc.hugetlb=1";
        assert_eq!(own.last().unwrap().1, joined);
        assert_eq!(additions(2, |_| Some("glibc.malloc.hugetlb=2".into())), []);
    }
}
