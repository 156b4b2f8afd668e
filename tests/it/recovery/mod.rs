//! Crashes, signals, failing disks, second processes and copied stores: nobody is messaged twice, nobody is forgotten.

mod copied_stores; // stores that were copied, moved, restored or deleted
#[cfg(debug_assertions)] // other builds have no crash points
mod crash_points; // killed at each step of the work, run again: the records are consistent
#[cfg(debug_assertions)]
mod dying_workers; // one of several workers killed at each step
mod environment; // disks, stores, limits and networks that fail
mod kill_anywhere; // killed at any moment, run again
#[cfg(target_os = "linux")] // which has /proc/locks
mod locks; // the locks on the store stay, whatever reads the store
mod on_a_server; // the store on a PostgreSQL server
mod several_workers; // processes that send one run together, on a PostgreSQL server
mod signals; // stopped by a signal, gently or not, and resumed
mod tcp_proxy; // a proxy before a database server
mod two_processes; // two processes with one store
mod workers_and_orders; // what people order while several processes send one run
