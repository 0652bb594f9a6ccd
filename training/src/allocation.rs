//! Memory settings that suit training.
//!
//! Every step allocates and frees the same few hundred megabytes. With its
//! defaults glibc returns these pages to the system and asks for them again,
//! which costs system time that grows with the batch. Its settings are read when a
//! process starts, so the process starts itself again, once.

use std::ffi::OsString;

/// Set in a process that was started again; `system` by hand keeps the
/// defaults.
const MARK: &str = "IDM_TRAIN_ALLOCATION";
/// What is set unless it is set already.
const SETTINGS: [(&str, &str); 4] = [
    ("MALLOC_ARENA_MAX", "1"),
    ("MALLOC_MMAP_MAX_", "0"),
    ("MALLOC_TRIM_THRESHOLD_", "100000000000"),
    ("MALLOC_TOP_PAD_", "268435456"),
];
const TUNABLES: &str = "GLIBC_TUNABLES";
const HUGE_PAGES: &str = "glibc.malloc.hugetlb";

/// The variables to add, given the present ones.
fn additions(present: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, OsString)> {
    let mut added: Vec<(&str, OsString)> = SETTINGS
        .iter()
        .filter(|(name, _)| present(name).is_none())
        .map(|(name, value)| (*name, OsString::from(value)))
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
    if std::env::var_os(MARK).is_some() {
        return;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        use std::os::unix::process::CommandExt;
        let Ok(program) = std::env::current_exe() else {
            return;
        };
        let mut command = std::process::Command::new(program);
        command.args(std::env::args_os().skip(1)).env(MARK, "fast");
        command.envs(additions(|name| std::env::var_os(name)));
        // Only comes back if it fails.
        let error = command.exec();
        eprintln!("training goes on with the system's memory settings: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_settings_are_respected_and_tunables_joined() {
        let fresh = additions(|_| None);
        assert_eq!(fresh.len(), 5);
        assert_eq!(fresh[4], (TUNABLES, "glibc.malloc.hugetlb=1".into()));
        let own = additions(|name| match name {
            "MALLOC_ARENA_MAX" => Some("4".into()),
            TUNABLES => Some("glibc.malloc.check=1".into()),
            _ => None,
        });
        assert!(own.iter().all(|(name, _)| *name != "MALLOC_ARENA_MAX"));
        let joined = "glibc.malloc.check=1:glibc.malloc.hugetlb=1";
        assert_eq!(own.last().unwrap().1, joined);
        assert_eq!(additions(|_| Some("glibc.malloc.hugetlb=2".into())), []);
    }
}
