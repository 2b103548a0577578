"""The queues as an OpenAI client library calls them: models, Chat Completions, Responses, and the Assistants API.

Shapes are those of the `openai` package 3.52 (its `types`), which is what calls here. What is honoured, ignored and
refused is in docs/channels/openai.md.
"""
