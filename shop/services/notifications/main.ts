import { join } from 'node:path'
import { runService } from '../../platform/run-service.ts'
import { folderMailbox } from './adapters/mailbox.ts'
import { notifications } from './composition.ts'

await runService(notifications((folder) => folderMailbox(join(folder, 'sent-mail'))))
