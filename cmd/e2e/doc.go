// Package e2e holds the end-to-end tests: the real AWS CLI, boto3 and raw HTTP against the thaw program as a process.
package e2e
