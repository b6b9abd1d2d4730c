//! A Rust program: collections, sorting, formatting, traits, checked arithmetic and a caught panic.
use std::collections::{BTreeMap, HashMap};
use std::fmt;

struct Matrix([[f64; 2]; 2]);

impl Matrix {
    fn times(&self, other: &Matrix) -> Matrix {
        let mut out = [[0.0; 2]; 2];
        for (i, row) in out.iter_mut().enumerate() {
            for (j, cell) in row.iter_mut().enumerate() {
                *cell = (0..2).map(|k| self.0[i][k] * other.0[k][j]).sum();
            }
        }
        Matrix(out)
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "[{:.3} {:.3}; {:.3} {:.3}]", self.0[0][0], self.0[0][1], self.0[1][0], self.0[1][1])
    }
}

fn main() {
    println!("hello from rust");
    let mut counts: HashMap<u64, u32> = HashMap::new();
    let mut x: u64 = 7;
    for _ in 0..10_000 {
        x = x.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        *counts.entry(x >> 60).or_insert(0) += 1;
    }
    let sorted: BTreeMap<_, _> = counts.into_iter().collect();
    println!("{:?}", sorted);
    let mut words: Vec<String> = "one two three four five six".split(' ').map(str::to_uppercase).collect();
    words.sort_by_key(|w| std::cmp::Reverse((w.len(), w.clone())));
    println!("{}", words.join(","));
    let turn = Matrix([[0.8, -0.6], [0.6, 0.8]]);
    let mut m = Matrix([[1.0, 0.0], [0.0, 1.0]]);
    for _ in 0..5 {
        m = m.times(&turn);
    }
    println!("{} {:e} {:?} {}", m, 1.0f64 / 3.0, 0.1f32 + 0.2, u128::MAX);
    println!("{:?} {:?}", 250u8.checked_add(10), "12.5".parse::<f64>());
    std::panic::set_hook(Box::new(|_| {}));
    let caught = std::panic::catch_unwind(|| {
        let empty: Vec<i32> = Vec::new();
        empty[std::hint::black_box(3)]
    });
    println!("panic caught: {}", caught.is_err());
    std::process::exit(7);
}
