package main

import "github.com/spf13/cobra"

func newOptimize() *cobra.Command {
	cmd := &cobra.Command{
		Use: "optimize", Short: "Solve a warehouse problem from a file, and say how good the answer is",
		Long: `Solve a warehouse problem from a file. Every answer has its value and a bound that no answer
can beat: where the two are equal, the answer is proven best. No hub is asked.`,
		Example: `  paklog optimize route order.txt
  paklog optimize batch wave.json
  paklog optimize carton container.txt`,
	}
	cmd.AddCommand(newOptimizeRoute(), newOptimizeBatch(), newOptimizeCarton())
	return cmd
}
