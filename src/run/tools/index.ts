import type { Tool } from '../../job/step.js';
import { command } from './command.js';
import { rsync } from './rsync.js';
import type { ToolTable } from './table.js';

/** A tool's table; all but the two most usual ones are loaded when a job needs them. */
export async function toolTable(tool: Tool): Promise<ToolTable> {
  if (tool === 'rsync') return rsync;
  if (tool === 'command') return command;
  const { specialTools } = await import('../special/index.js');
  return specialTools[tool];
}
