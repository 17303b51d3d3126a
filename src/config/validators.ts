import type { ValidateFunction } from 'ajv';
import { knownSchemas } from './ajv.js';

/*
 * The validators that every config needs. Compiling them takes ajv some 80 ms, so the build puts ready-made code in the
 * place of this module: see schemas/standalone.mjs.
 */

export const site = knownSchemas().getSchema('site.schema.json') as ValidateFunction;

export const pkg = knownSchemas().getSchema('package.schema.json') as ValidateFunction;
