import type { Plugin } from 'esbuild';

export function precompiled(source: string): string;
export const precompiledTemplates: Plugin;
