import type { ProcessRecord, RunFile } from '@seaworthy/supervisor'

/** What people call a process: by its service, or by its instance where the service has several. */
export function spokenNames({ processes }: RunFile): (process: ProcessRecord) => string {
  return ({ name, instance }) => (processes.filter((other) => other.name === name).length > 1 ? instance : name)
}
