/**
 * What is asked of a system that runs in several stages, such as one on its way out of a monolith. Its module exports `atStage`, a function of this to the system.
 * It refuses, by a ConfigurationError, a stage that the data is not at.
 */
export interface StageOptions {
  /** The one that is wished for. Undefined: the one that the data is at. */
  readonly stage: number | undefined
  readonly dataDir: string
  /** Where the services' databases are: `embedded` in the data directory, or as in `postgres:shop` on a server, under a prefix. */
  readonly storage: string
  /** Whether a service has a database already. */
  readonly hasData: (service: string) => Promise<boolean>
}
