import type { Plugin } from 'esbuild';

export declare const standaloneValidators: Plugin;
