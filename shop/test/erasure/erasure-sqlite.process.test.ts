import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { filesWith } from '../../../packages/seaworthy/test/event-sourcing/files-with.ts'
import { erasureSuite } from './erasure-suite.ts'

const folder = mkdtempSync(join(tmpdir(), 'shop-erasure-'))
after(() => rmSync(folder, { recursive: true }))

erasureSuite('SQLite, with the monolith', {
  options: () => ({ folder, stage: 0 }),
  filesWith: (text) => filesWith(folder, Buffer.from(text)),
})
