/** What the consumers' process is told to read of each topic, and its answer once it has. */
export interface Expected {
  readonly events: number
}
export interface Consumed {
  /** From before the append until the record was read. */
  readonly p99Ms: number
}
