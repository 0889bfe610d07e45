import { databaseContract } from '@seaworthy/testing'
import { databaseForTest } from './server.ts'

databaseContract('PostgreSQL', async () => {
  const { database, openAnother, dispose } = await databaseForTest()
  return { database, crash: openAnother, dispose }
})
