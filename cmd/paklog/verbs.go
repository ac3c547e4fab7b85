package main

import "github.com/spf13/cobra"

// verbs is the one table of what paklog can do.
func verbs(g *global) []*cobra.Command {
	return []*cobra.Command{
		newTasks(g), newWorkers(g),
		newServe(g), newDemo(), newDemoPartner(), newInit(), newConfig(g), newDoctor(g),
		newRoutes(g), newOrders(g), newOwners(g), newCrossrefs(g), newItems(g), newLocations(g), newFacilities(g), newSlots(g), newStock(g), newReceive(g), newPutAway(g), newReturns(g), newReservations(g),
		newCounts(g), newReplenish(g), newLPN(g), newDevice(g), newUser(), newImport(g), newExport(g), newDLQ(g), newTrace(g), newTop(g), newEDI(g), newAS2(g), newPartners(g), newEvents(g),
		newWaves(g), newWorkload(g),
		newPacks(g), newPrint(g), newPallets(g), newLoads(g), newManifests(g), newTenders(g), newShip(g), newDrift(g), newShops(g), newERP(g),
		newOptimize(), newSimulate(g), newWhatIf(g), newAudit(g), newBackup(g), newRestore(g), newMigrate(g), newVersion(g),
	}
}
