import { writeSync } from 'node:fs'
import { openSubjectKeyFile } from 'seaworthy/sqlite'

// Prints a key, forgets its subject, and is killed before the write-ahead log is emptied.
const keyFile = await openSubjectKeyFile({ path: process.argv[2]! })
const ada = (await keyFile.make(['ada'])).get('ada')
if (ada?.kind === 'kept') writeSync(1, Buffer.from(ada.key).toString('hex'))
await keyFile.forget('ada')
process.kill(process.pid, 'SIGKILL')
