/** One SQL statement of the engine's own dialect, with its parameters. Values never stand in the text. */
export interface Statement {
  readonly sql: string
  readonly params?: readonly SqlValue[]
}

export type SqlValue = string | number | bigint | null | Uint8Array

/** The open transaction: reads see its own writes. Use it only inside the body that received it. */
export interface Transaction {
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>
  execute(statement: Statement): Promise<{ readonly rowCount: number }>
  /**
   * Calls `effect` once, after this transaction's COMMIT; never if it rolls back or the process dies. For waking
   * somebody up, nothing else: what must happen belongs into a row.
   */
  afterCommit(effect: () => void): void
}

/**
 * A database as the library needs it. Small on purpose, and honest about what differs between engines.
 */
export interface Database {
  readonly dialect: 'sqlite' | 'postgres'
  /** What an acknowledged commit survives. */
  readonly durability: 'power-loss' | 'process-crash'
  /** Whether transactions run one after another or side by side. */
  readonly concurrency: 'serial' | 'overlapping'
  /**
   * Runs `body` in a transaction and settles after its COMMIT. A throw rolls back and is passed on. `timeoutMs`
   * bounds the body. Never await the network inside: every other writer waits for it.
   */
  transaction<T>(body: (tx: Transaction) => Promise<T>, options?: { signal?: AbortSignal; timeoutMs?: number }): Promise<T>
  /** All statements in one transaction and one round trip. */
  atomically(statements: readonly Statement[]): Promise<readonly { readonly rowCount: number }[]>
  /** Reads committed data only. */
  query<Row extends object>(statement: Statement): Promise<readonly Row[]>
  close(): Promise<void>
}

/** Runs an effect that was put off until after the COMMIT. For engines: the transaction is durable, and a bell that broke must not look like a failed commit. */
export function runAfterCommit(effect: () => void): void {
  try {
    effect()
  } catch (error) {
    process.emitWarning(`An afterCommit effect threw: ${String(error)}. It should only wake somebody up.`, {
      code: 'SEAWORTHY_AFTER_COMMIT',
    })
  }
}
