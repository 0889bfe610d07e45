import { createLogger } from '../src/logger.ts'
import { StandardOutput } from '../src/standard-output.ts'

/** A process that logs to its standard output, for the test that looks at what arrives. Its arguments: what it does, and how many lines it logs. */
const [what, lines = '0', waitingBytesMax] = process.argv.slice(2)
const destination = waitingBytesMax === undefined ? undefined : new StandardOutput({ waitingBytesMax: Number(waitingBytesMax) })
const logger = createLogger({ service: 'orders', instance: 'orders-1', ...(destination && { destination }) })
const log = () => {
  for (let line = 0; line < Number(lines); line++) logger.info({ line }, 'order placed')
}

switch (what) {
  case 'killed':
    log()
    process.kill(process.pid, 'SIGKILL')
    break
  case 'exits':
    log()
    process.exit(0)
    break
  case 'goes on': {
    // Told beside the lines, because those wait.
    const beganMs = performance.now()
    log()
    process.stderr.write(`${performance.now() - beganMs}\n`)
    break
  }
  default:
    throw new Error(`There is no ${what}.`)
}
