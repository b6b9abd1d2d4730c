// Threads, channels, locks, panics and a child process as the Rust standard library makes them.
use std::sync::{mpsc, Arc, Mutex, Condvar, Barrier, RwLock};
use std::thread;
use std::process::Command;
fn main() {
    let (tx, rx) = mpsc::channel();
    let hs: Vec<_> = (0..6).map(|i| { let tx = tx.clone(); thread::spawn(move || { for j in 0..100 { tx.send(i * 100 + j).unwrap(); } i }) }).collect();
    drop(tx);
    let mut all: Vec<i32> = rx.iter().collect(); all.sort();
    println!("{} {} {}", all.len(), all[0], all[599]);
    println!("{}", hs.into_iter().map(|h| h.join().unwrap()).sum::<i32>());
    let p = Arc::new((Mutex::new(false), Condvar::new())); let q = p.clone();
    thread::spawn(move || { *q.0.lock().unwrap() = true; q.1.notify_one(); });
    let mut g = p.0.lock().unwrap(); while !*g { g = p.1.wait(g).unwrap(); }
    let b = Arc::new(Barrier::new(3)); let rw = Arc::new(RwLock::new(0));
    let hs: Vec<_> = (0..3).map(|_| { let (b, rw) = (b.clone(), rw.clone()); thread::spawn(move || { b.wait(); *rw.write().unwrap() += 1; }) }).collect();
    for h in hs { h.join().unwrap(); }
    println!("{}", *rw.read().unwrap());
    let r = thread::spawn(|| { if true { panic!("boom") } }).join();
    println!("{}", r.is_err());
    if std::env::args().count() > 1 { return; }
    let out = Command::new(std::env::current_exe().unwrap()).arg("x").output();
    if std::env::args().count() < 2 { println!("{:?}", out.map(|o| o.status.code())); }
    thread::scope(|s| { s.spawn(|| println!("scoped")); });
}
