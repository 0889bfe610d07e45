/** Where a server reports what it does not tell its callers. A pino logger fits. */
export interface ServerLog {
  error(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** Without a logger, failures go to the process's stderr: an error that nobody sees is worse than an untidy line. */
export const stderrLog: ServerLog = {
  error: (fields, message) => console.error(message, fields),
  warn: (fields, message) => console.warn(message, fields),
}
