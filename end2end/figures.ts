// What a benchmark prints: figures beside their bounds of the same run, because machines differ.

import { availableParallelism, loadavg } from "node:os";

export function percentile(values: number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

export const median = (values: number[]): number => percentile(values, 0.5);

export function print(title: string, rows: [name: string, figure: string, aim?: string][]): void {
  const width = Math.max(...rows.map(([name]) => name.length));
  // What else runs on the machine makes every figure worse.
  console.log(`\n${title} (load ${loadavg()[0]!.toFixed(1)} on ${availableParallelism()} processors)`);
  for (const [name, figure, aim] of rows) {
    console.log(`  ${name.padEnd(width)}  ${figure.padStart(12)}${aim === undefined ? "" : `   aim ${aim}`}`);
  }
}

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
