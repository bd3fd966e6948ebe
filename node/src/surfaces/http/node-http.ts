// Not imported: an import reads every export, and one of them loads a whole HTTP client that is not used here.
export const { createServer, STATUS_CODES } = process.getBuiltinModule('node:http');
