"""Check a data contract with datacontract-cli, the JSON Schema of the standard, and its Python model.

The argument is the path of the contract. Prints the results of the linter, and the errors of the schema.
"""

import json
import sys
from pathlib import Path

import datacontract
import yaml
from datacontract.data_contract import DataContract
from jsonschema import Draft201909Validator
from open_data_contract_standard.model import OpenDataContractStandard

path = Path(sys.argv[1])
contract = yaml.safe_load(path.read_text())
schemas = Path(datacontract.__file__).parent / "schemas"
schema = json.loads((schemas / f"odcs-{contract['apiVersion'].removeprefix('v')}.schema.json").read_text())
run = DataContract(data_contract_file=str(path)).lint()
parsed = OpenDataContractStandard.from_file(str(path))
answer = {
    "lint": str(run.result.value),
    "failed": [str(check.reason) for check in run.checks if check.result.value != "passed"],
    "schema_errors": [error.message for error in Draft201909Validator(schema).iter_errors(contract)],
    "columns": [each.name for each in parsed.schema_[0].properties],
}
sys.stdout.write(json.dumps(answer) + "\n")
